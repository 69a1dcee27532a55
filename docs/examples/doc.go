// Package examples holds that the guides show code which runs. The examples themselves are in its folders.
package examples
