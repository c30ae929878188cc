"""The API of law firms and integrations: thin views over access and actions, version 1."""
