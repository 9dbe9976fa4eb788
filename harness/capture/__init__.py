"""The shape of a live org as a file, the *twin*, from which a simulated sandbox can be made. Reads only.

What a twin holds: objects and fields as the admin's describe shows them, licenses, profiles, permission sets and what
they grant, groups, roles, apps by name, the users in scope under made-up names, and how many rows each object has. It
holds no record, no secret, no person's name or address.
"""
