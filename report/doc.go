// Package report turns the results of runs ([result.Run]) into tables, data files and figures.
//
// There are two kinds of output. Print ([Text], [Markdown], [LaTeX]) is for reading: one unit for each
// column, numbers scaled to it and aligned at the decimal point, large sets summarised in groups, and a
// line under the table that says what was left out. Data ([CSV], [JSON], the files of [Folder]) is for
// programs: every row, stable column names, plain SI units (s, bit/s, bytes, shares between 0 and 1) and
// numbers that read back exactly.
//
// A value that was not or could not be measured is "–" in print, an empty field in CSV and null in JSON,
// never 0. Runs that differ in the seed alone are replications: means over them come with a 95 %
// Student-t confidence interval, or the words "no variance" if all replications gave the same value.
//
// Output depends on the runs alone: no clock, no locale, no environment. The package opens no file;
// whoever calls it gives the writers.
package report
