"""Make a simulated org from a Salesforce DX project and a population file."""
