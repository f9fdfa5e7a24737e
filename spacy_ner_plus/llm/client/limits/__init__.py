"""What holds requests back: the pace of an endpoint, rates a minute, a budget; all processes share them."""
