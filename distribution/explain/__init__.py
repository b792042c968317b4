"""Why a lead or a buyer got what it got, from what attempts recorded. Reads only."""
