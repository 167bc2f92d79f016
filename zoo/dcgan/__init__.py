"""Pictures out of noise: a generator and a discriminator that learn from each other."""

PAPER = "Radford, Metz, Chintala: Unsupervised representation learning with deep convolutional generative adversarial networks (2015)"
METRICS = {"frechet_distance": "{:.2f}"}  # how they are written; the first is the one to compare
PUBLISHED = ()  # nobody else has measured with these features
