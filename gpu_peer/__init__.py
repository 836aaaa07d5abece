"""The PC peer: transports, trust, chats, storage, models and the engine's face."""
