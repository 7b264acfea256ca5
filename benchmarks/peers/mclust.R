# mclust in a process of its own: one line asks, one line answers.
#   load FOLDER N D K     reads x (N, D) and z (N, K), float64, column by column
#   parameters            proportions, means and covariances after one iteration from z
#   iteration             seconds of one iteration of EM, by R's clock
suppressMessages(library(mclust))

em <- function(iterations) {
  control <- emControl(tol = 0, itmax = iterations)
  suppressWarnings(me(x, modelName = "VVV", z = z, control = control))
}
clock <- function(iterations) system.time(em(iterations))[["elapsed"]]
read <- function(name, columns) {
  matrix(readBin(file.path(folder, name), "double", n * columns), n, columns)
}
answer <- function(numbers) {
  cat(format(numbers, digits = 17), "\n")
  flush(stdout())
}

requests <- file("stdin", "r")
while (length(line <- readLines(requests, 1)) == 1) {
  words <- strsplit(line, " ")[[1]]
  if (words[1] == "load") {
    folder <- words[2]
    n <- as.integer(words[3])
    x <- read("x", as.integer(words[4]))
    z <- read("z", as.integer(words[5]))
    answer(packageVersion("mclust")[[c(1, 1)]])
  } else if (words[1] == "parameters") {
    p <- em(1)$parameters
    answer(c(p$pro, p$mean, p$variance$sigma))
  } else {
    # What a call costs beside its iterations is left out.
    answer((clock(3) - clock(1)) / 2)
  }
}
