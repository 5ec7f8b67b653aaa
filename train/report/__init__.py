"""What a report is made of: the networks it is about, its pictures, its text and where it was made."""
