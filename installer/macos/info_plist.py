"""What macOS is told of the application: its names, version, and the files that it opens (Info.plist)."""

from __future__ import annotations

IDENTIFIER = "org.sxtstudio.SXTStudio"
#: The oldest system for which all libraries of requirements.lock have wheels (`make lock`).
OLDEST_SYSTEM = "14.0"
TOMOGRAMS = ("mrc", "rec", "st", "map", "txm")
PROJECT = "sxtproject"


def info(version: str) -> dict[str, object]:
    """Return the entries of Info.plist beside those that PyInstaller writes itself."""
    return {
        "CFBundleDisplayName": "SXT Studio",
        "CFBundleShortVersionString": version,
        "CFBundleVersion": version,
        "LSApplicationCategoryType": "public.app-category.education",
        "LSMinimumSystemVersion": OLDEST_SYSTEM,
        "NSHighResolutionCapable": True,
        "NSHumanReadableCopyright": "MIT licence",
        "CFBundleDocumentTypes": [
            {
                "CFBundleTypeName": "Tomogram",
                "CFBundleTypeExtensions": list(TOMOGRAMS),
                "CFBundleTypeRole": "Viewer",
                # Other programs that own .map or .st keep them.
                "LSHandlerRank": "Alternate",
            },
            {
                "CFBundleTypeName": "SXT Studio project",
                "CFBundleTypeExtensions": [PROJECT],
                "CFBundleTypeRole": "Editor",
                "LSHandlerRank": "Owner",
            },
        ],
    }
