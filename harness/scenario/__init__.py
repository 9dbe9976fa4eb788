"""The language of scenario files: model, loader with line numbers, JSON Schema. Knows no other room."""
