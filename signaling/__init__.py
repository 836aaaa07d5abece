"""The VDS: accounts, tokens, presence and rooms, and the app's files. It never sees a chat."""
