"""What a user that can only use the API has no use for: it is left behind, and why.

Only what governs pages, themes and devices stands here. Whatever might change what an API call may do does not. It is
a reason and no leave: the loss is accepted only where the scenario accepts it.
"""

from __future__ import annotations

from collections.abc import Mapping

SYSTEM: Mapping[str, str] = {
    "ActivitiesAccess": "It shows activities in the user interface.",
    "AllowUniversalSearch": "It is about the search page.",
    "CanUseNewDashboardBuilder": "It is the dashboard page's editor.",
    "ContentWorkspaces": "It shows the Libraries tab.",
    "EnableNotifications": "It is about notifications on a device.",
    "LightningConsoleAllowedForUser": "It opens the Lightning console.",
    "LightningExperienceUser": "It opens Lightning Experience.",
    "ListEmailSend": "It is a button on list pages.",
    "SelectFilesFromSalesforce": "It is a dialog of the user interface.",
    "ShowCompanyNameAsUserBadge": "It is about the Chatter page.",
    "SubscribeToLightningDashboards": "It is a button on dashboard pages.",
    "SubscribeToLightningReports": "It is a button on report pages.",
    "UseMobileApp": "It opens the mobile app.",
    "UseQuickTextSharing": "It is a dialog of the user interface.",
    "ViewHelpLink": "It shows the help link.",
}
"""System permissions, each with why."""

SETUP: Mapping[str, str] = {
    "ApexPage": "Visualforce pages are shown in the user interface.",
    "TabSet": "Apps and their tabs are shown in the user interface.",
}
"""Types of setup entities, each with why."""

FEATURES: Mapping[str, str] = {
    "CallCenterAutoLogin": "It signs in to the softphone in the user interface.",
    "MobileUser": "It is a device's client.",
    "OfflineUser": "It is a desktop client.",
    "SFContentUser": "It shows the Libraries tab.",
}
"""Feature licenses, each with why."""

TABS = "Tabs are shown in the user interface."

APPS = "An app is a set of tabs in the user interface."
"""Apps."""
