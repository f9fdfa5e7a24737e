"""Chat models on this machine: found, installed, and served by llama.cpp within this process."""
