"""Chats: sessions of devices, commands, answers that belong to the PC."""
