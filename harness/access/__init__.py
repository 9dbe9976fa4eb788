"""What a user may do: model, reading it from an org, union, license ceiling, comparison."""
