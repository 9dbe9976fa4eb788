"""One connection to one org as one principal: sign-in flows, REST calls, SOQL, outcomes of writes, the sandbox guard."""
