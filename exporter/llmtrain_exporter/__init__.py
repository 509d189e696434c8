"""llmtrain-exporter: reads the logs of LLM fine-tuning runs and says how the runs are."""

__version__ = "0.1.0"
