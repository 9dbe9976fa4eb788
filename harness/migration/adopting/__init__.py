"""A journal that is lost, made anew from what a run left in the org: names, marks, and who wrote what when."""
