"""SOQL in four layers: grammar and parser, syntax tree, names and permissions, SQL."""
