# Reference clusterings from label.switching (Papastamoulis 2016, J. Stat. Softw. 69), mcclust (Fritsch &
# Ickstadt 2009, Bayesian Anal. 4), mcclust.ext (Wade & Ghahramani 2018, Bayesian Anal. 13) and salso
# (Dahl, Johnson & Mueller 2022, J. Comput. Graph. Stat. 31). Run in the root of the repository:
#   Rscript tests/reference/clusterings.R > tests/reference/clusterings.json
# With a JSON file of inputs (a list of cases with name, p, z, pivot and prob) it answers those instead.
# p: responsibilities in thousandths (draws, rows, components); z: assignments (draws, rows) and pivot
# (rows), from 1. VI in bits, Binder's loss as a share of ordered pairs of rows.
suppressMessages({
  library(label.switching); library(mcclust); library(mcclust.ext); library(salso); library(jsonlite)
})

inputs <- function(name, seed, S, n, K, spread, prob) {
  set.seed(seed)
  centre <- matrix(rnorm(n * K, sd = 2), n, K)
  p <- array(0L, c(S, n, K))
  for (s in 1:S) p[s, , ] <- thousandths(centre + spread * rnorm(n * K))[, sample(K)]
  list(name = name, p = p, z = assigned(p), pivot = max.col(centre), prob = prob)
}
# None below one thousandth: label.switching takes smaller ones than 1e-6 for 1e-6.
thousandths <- function(logits) {
  p <- pmax(round(1000 * exp(logits) / rowSums(exp(logits))), 1)
  largest <- cbind(seq_len(nrow(p)), max.col(p, "first"))
  p[largest] <- p[largest] + 1000 - rowSums(p)
  p
}
assigned <- function(p) apply(p, c(1, 2), function(prob) sample(length(prob), 1, prob = prob))

# label.switching stops when the cost of the last draw stands still. Here it does at once: that draw is
# sure of the component about which all draws agree, while the others are still to be sorted.
stopping_early <- function(seed, S, n, K) {
  case <- inputs("early stop", seed, S, n, K - 1, 3, 0.9)
  case$p <- array(c(array(500L, c(S, n, 1)), case$p %/% 2), c(S, n, K))
  case$p[, , K] <- 1000L - apply(case$p[, , -K], c(1, 2), sum)
  case$p[S, , ] <- rep(c(1000L, rep(0L, K - 1)), each = n)
  case$z <- assigned(case$p)
  case$pivot <- max.col(apply(case$p, c(2, 3), sum), "first")
  case
}

# Stephens' criterion (nats): the divergence of the permuted draws from their mean, summed.
divergence <- function(p, permutations) {
  for (s in seq_len(nrow(p))) p[s, , ] <- p[s, , permutations[s, ]]
  q <- rep(apply(p, c(2, 3), mean), each = nrow(p))
  sum(ifelse(p > 0, p * log(p / q), 0))
}
mismatches <- function(z, pivot, permutations) {
  sum(sapply(seq_len(nrow(z)), function(s) sum(order(permutations[s, ])[z[s, ]] != pivot)))
}
no_gaps <- function(labels) match(labels, unique(labels))
# The best of twenty seeds, and what it is said to lose; without a cap, which is the draws' clusters else.
best_of_salso <- function(z, loss) {
  set.seed(1)
  found <- replicate(20, list(as.integer(salso(z, loss = loss, maxNClusters = ncol(z), nCores = 1))))
  value <- sapply(found, function(labels) partition.loss(z, labels, loss = loss))
  list(labels = found[[which.min(value)]], expected_loss = min(value))
}
ball <- function(centre, z, kind, prob) {
  b <- credibleball(centre, z, c.dist = kind, alpha = 1 - prob)
  list(radius = b$dist.horiz, horizontal = b$c.horiz, vertical_upper = b$c.uppervert,
       vertical_lower = b$c.lowervert)
}

answered <- function(case) {
  p <- case$p / 1000; z <- case$z; K <- dim(p)[3]; n <- ncol(z)
  stephens <- stephens(p)$permutations
  ecr <- ecr(case$pivot, z, K)$permutations
  psm <- comp.psm(z)
  binder <- minbinder(psm, z, method = "all", include.lg = TRUE)
  vi <- minVI(psm, z, method = "all")
  smallest <- list(vi = salso::VI, binder = salso::binder)
  searched <- expand.grid(loss = names(smallest), a = c(0.5, 1), stringsAsFactors = FALSE)
  searched <- Map(function(loss, a) c(list(loss = loss, a = a), best_of_salso(z, smallest[[loss]](a = a))),
                  searched$loss, searched$a, USE.NAMES = FALSE)
  centre <- searched[[3]]$labels
  gapless <- t(apply(z, 1, no_gaps))
  c(case, list(
    stephens = list(permutations = stephens, cost = divergence(p, stephens)),
    ecr = list(permutations = ecr, cost = mismatches(z, case$pivot, ecr)),
    psm = psm,
    minbinder = list(labels = binder$cl["best", ], expected_loss = 2 * binder$value[["best"]] / n^2),
    minVI = list(labels = vi$cl["best", ], lower_bound = vi$value[["best"]],
                 expected_loss = mcclust.ext::VI(vi$cl["best", ], z)),
    salso = searched,
    ball = list(centre = centre, vi = ball(centre, gapless, "VI", case$prob),
                binder = ball(centre, gapless, "Binder", case$prob),
                vi_of_labels_with_gaps = ball(centre, z, "VI", case$prob))
  ))
}

given <- commandArgs(trailingOnly = TRUE)
cases <- if (length(given)) fromJSON(given, simplifyDataFrame = FALSE) else list(
  inputs("two components", 1, 30, 12, 2, 1, 0.9),
  inputs("three components", 2, 40, 15, 3, 0.5, 0.9),
  inputs("four components, some empty", 12, 30, 8, 4, 1.5, 0.8),
  stopping_early(5, 60, 8, 4))
versions <- sapply(c("label.switching", "mcclust", "mcclust.ext", "salso"),
                   function(package) paste(package, packageVersion(package)))
cat(toJSON(list(made_with = paste(c(versions, paste("R", getRversion())), collapse = ", "),
                cases = lapply(cases, answered)),
           digits = NA, auto_unbox = TRUE, matrix = "rowmajor", pretty = FALSE))
