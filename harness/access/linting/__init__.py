"""Permission sets that will not do what their author means: the rules, and reading sets from files and from orgs."""
