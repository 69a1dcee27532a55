// Package operator holds what an operator can say about layers, names and programs, whether on the command line
// of irm or in the configuration file of irmd: the parameters of a layer, the notation of policies, how programs
// and files are found, and the steps that one command takes (spec 13 §13.4, §13.7).
package operator
