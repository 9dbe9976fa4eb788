"""One connection to one org as one principal: sign-in flows, requests, SOQL, outcomes of writes, the sandbox guard."""
