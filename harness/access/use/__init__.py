"""What an integration uses: read from its workload, from recordings of its traffic and from event logs."""
