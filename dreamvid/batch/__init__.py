"""Render many films from one file: checked whole, none stopped by another, nothing done twice."""
