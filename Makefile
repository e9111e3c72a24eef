.PHONY: guest-image

guest-image:
	guest-image/build.sh trixie
