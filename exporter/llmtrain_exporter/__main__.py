"""`python -m llmtrain_exporter` is `llmtrain-exporter`."""

from llmtrain_exporter.cli import main

if __name__ == "__main__":
    main()
