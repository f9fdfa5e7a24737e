"""UIMA's CAS: texts and typed annotation, in JSON and XMI."""
