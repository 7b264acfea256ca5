// A Gaussian mixture with the assignments summed out, as the Stan User's Guide writes mixtures.
data {
  int<lower=1> N;
  int<lower=1> D;
  int<lower=1> K;
  array[N] vector[D] x;
  vector<lower=0>[K] concentration;
  vector[D] m;
  real<lower=0> mean_concentration;
  real<lower=D - 1> df;
  cholesky_factor_cov[D] scale;
}
parameters {
  simplex[K] weights;
  array[K] cholesky_factor_cov[D] factor;
  array[K] vector[D] means;
}
model {
  vector[K] log_weights = log(weights);
  weights ~ dirichlet(concentration);
  for (k in 1 : K) {
    factor[k] ~ inv_wishart_cholesky(df, scale);
    means[k] ~ multi_normal_cholesky(m, factor[k] / sqrt(mean_concentration));
  }
  for (n in 1 : N) {
    vector[K] lps = log_weights;
    for (k in 1 : K) {
      lps[k] += multi_normal_cholesky_lpdf(x[n] | means[k], factor[k]);
    }
    target += log_sum_exp(lps);
  }
}
