// Command worker stands in for a function in the templates of these tests.
package main

func main() {}
