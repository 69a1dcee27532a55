// Package fleet runs a scenario on real systems: every node of it is two processes of its own, agents. One holds the
// node's broker, shims and IPCPs over real network interfaces, as a daemon does, the other its applications, which
// are its half of the workload. One process coordinates them.
//
//	coordinator (osim run)                     agents of node a           agents of node b
//	                                             applications               applications
//	                                               | Unix socket              | Unix socket
//	  starts agents, gives them time 0,          experiment.Part            experiment.Part
//	  passes news on, kills and revives,           wire a-b: Shaper           wire a-b: Shaper
//	  puts their pieces together                   NIC or UDP socket          NIC or UDP socket
//	     |   stdin, stdout: frames of JSON  |          |                          |
//	     +----------------------------------+          +------ veth or cable -----+
//
// Where the agents run is the matter of a Site: in network namespaces of this machine (Emulation), or on other
// machines over SSH (Lab). An agent ends when its standard input does, so that none outlives its coordinator.
package fleet
