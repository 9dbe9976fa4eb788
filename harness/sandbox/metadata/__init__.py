"""The org as metadata components: permission sets, profiles, objects, apps and people, read and written as XML.

`kinds` lists the types; `package` reads zip files, `deployment` and `retrieval` do what the Metadata API is asked for.
"""
