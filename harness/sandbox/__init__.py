"""The simulated org: HTTP, sign-in, SOQL, schema, permissions, license rules, clock. Knows no other room."""
