"""SOQL in layers: grammar and parser, syntax tree, names and permissions, clauses as SQL, plan, shape of answers."""
