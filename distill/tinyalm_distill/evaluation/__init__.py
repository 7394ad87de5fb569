"""What teachers and students are worth: embed clips and texts once, then pure measures of them."""
