"""Programs that try the validator, the model, recommend and the reader on more than one run; each says what it is
for."""
