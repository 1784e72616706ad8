package main

// childWord begins the command line of a process that is there to be killed.
const childWord = "child"

func runChild([]string) int { return 2 }
