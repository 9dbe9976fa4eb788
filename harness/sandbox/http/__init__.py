"""The simulated org's face to the network: a thin layer that turns HTTP into calls of the org and back."""
