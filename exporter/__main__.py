"""`python -m exporter` is `llmtrain-exporter`."""

from exporter.cli import main

if __name__ == "__main__":
    main()
