"""The chat relay behind Alertmanager: one card per group of alerts, to bots of five chats."""
