"""What each file of a tree says about function pointers, remembered by blob id for every revision that has the file."""
