"""Rehearse, prove and undo the move of a Salesforce integration user to the Salesforce Integration license."""

__version__ = "0.1.0"
