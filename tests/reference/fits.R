# Maximum likelihood by EM from mclust's own hierarchical start, at rows from standard input:
#   Rscript tests/reference/fits.R MODEL MOST_COMPONENTS < rows.csv > fits.json
# A list over the number of components of weights, means (components, features) and covariances
# (components, features, features); of a number that mclust could not fit, nothing.
suppressMessages({library(mclust); library(jsonlite)})
arguments <- commandArgs(TRUE)
x <- as.matrix(read.csv(file("stdin"), header = FALSE))
d <- ncol(x)
initial <- if (d > 1) list(hcPairs = hc(x, mclust.options("hcModelName"), mclust.options("hcUse")))
one <- function(G) {
  fit <- Mclust(x, G, arguments[1], initialization = initial, verbose = FALSE,
                control = emControl(tol = c(1e-10, 1e-10), itmax = c(20000, 20000)))
  if (is.null(fit)) return(NULL)
  v <- fit$parameters$variance
  sigma <- if (d == 1) array(rep(v$sigmasq, length.out = G), c(G, 1, 1)) else aperm(v$sigma, c(3, 1, 2))
  list(weights = as.list(fit$parameters$pro), means = t(matrix(fit$parameters$mean, d)), covariances = sigma)
}
fits <- suppressWarnings(lapply(1:arguments[2], one))
cat(toJSON(list(version = paste("mclust", packageVersion("mclust"), "R", getRversion()), fits = fits),
           digits = NA, auto_unbox = TRUE, matrix = "rowmajor", null = "null"))
