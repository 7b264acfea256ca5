# label.switching and salso in a process of their own: one line asks, one line answers.
#   relabel FILE S N K    seconds of stephens() on responsibilities (S, N, K), float64 column by column,
#                         by R's clock, and its permutations
#   search FILE S N RUNS CORES SEED   seconds of salso() on assignments (S, N), int32 column by column,
#                                     by R's clock, and its labels
suppressMessages({library(label.switching); library(salso)})

answer <- function(numbers) {
  cat(format(numbers, digits = 17, trim = TRUE), "\n")
  flush(stdout())
}
requests <- file("stdin", "r")
while (length(line <- readLines(requests, 1)) == 1) {
  words <- strsplit(line, " ")[[1]]
  given <- as.integer(words[-(1:2)])
  if (words[1] == "relabel") {
    p <- array(readBin(words[2], "double", prod(given)), given)
    seconds <- system.time(found <- stephens(p)$permutations)[["elapsed"]]
  } else {
    z <- matrix(readBin(words[2], "integer", prod(given[1:2])), given[1], given[2])
    set.seed(given[5])
    seconds <- system.time(
      found <- salso(z, loss = VI(), nRuns = given[3], nCores = given[4])
    )[["elapsed"]]
  }
  answer(c(seconds, found))
}
