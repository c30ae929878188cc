"""One file per verb: transaction + rooms + custody event. The only writers."""
