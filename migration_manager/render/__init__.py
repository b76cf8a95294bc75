"""Showing: reports, previews and errors as text for people and as JSON for programs."""
