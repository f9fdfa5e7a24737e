"""What `llm finetune` learns from, and the pipeline that it writes."""
