# Reference point estimates from mclust 6.0.0 (Scrucca et al. 2016, The R Journal 8, 289-317) under R 4.2.2.
# Run in the root of the repository; the data and their sources are in models/data/:
#   Rscript tests/reference/mclust.R > tests/reference/mclust.json
# Maximum likelihood by EM from mclust's own hierarchical start (prior = NULL), and the
# maximum a posteriori under its conjugate prior (priorControl(), Fraley & Raftery 2007).
suppressMessages({library(mclust); library(jsonlite)})
faithful <- as.matrix(read.csv("models/data/old_faithful.csv"))
p <- read.csv("models/data/penguins.csv")
cols <- c("bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g")
penguins <- as.matrix(p[complete.cases(p[, cols]), cols])
galaxies <- as.matrix(read.csv("models/data/galaxies.csv")) / 1000
one <- function(x, name, G, model, prior) {
  fit <- Mclust(x, G = G, modelNames = model, prior = prior, verbose = FALSE,
                control = emControl(tol = c(1e-12, 1e-12), itmax = c(100000, 100000)))
  if (is.null(fit)) return(NULL)
  d <- ncol(x)
  v <- fit$parameters$variance
  sigma <- if (d == 1) array(rep(v$sigmasq, length.out = G), c(G, 1, 1)) else aperm(v$sigma, c(3, 1, 2))
  list(data = name, n = nrow(x), features = d, components = G, model = model,
       prior = if (is.null(prior)) "none" else "priorControl()",
       loglik = fit$loglik, parameters = fit$df, bic = fit$bic, icl = fit$icl,
       weights = as.numeric(fit$parameters$pro),
       means = if (d == 1) matrix(fit$parameters$mean, ncol = 1) else t(fit$parameters$mean),
       covariances = sigma, sizes = as.integer(table(factor(fit$classification, 1:G))))
}
fits <- list()
for (pr in list(NULL, priorControl())) {
  vee <- if (is.null(pr)) "VEE"  # mclust has no prior for it
  for (G in 1:3) for (m in c("VVV", "EEE", "VVI", "VII", "EEI", "EII", vee))
    fits[[length(fits) + 1]] <- one(faithful, "old_faithful", G, m, pr)
  for (G in c(2, 3)) for (m in c("VVV", "EEE", "EEI", "EII", vee))
    fits[[length(fits) + 1]] <- one(penguins, "penguins, rows with all four measurements", G, m, pr)
  for (G in c(3, 4, 6))
    fits[[length(fits) + 1]] <- one(galaxies, "galaxies, in 1000 km/s", G, "V", pr)
}
cat(toJSON(list(made_with = paste("mclust", packageVersion("mclust"), "R", getRversion()),
                bic_sign = "mclust's: 2 loglik - parameters log n, larger is better",
                fits = Filter(Negate(is.null), fits)), digits = 12, auto_unbox = TRUE, matrix = "rowmajor", pretty = FALSE))
