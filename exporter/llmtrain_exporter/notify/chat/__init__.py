"""What all chats have in common: what a chat is, a bot's settings, markup, and what answers mean."""
