"""Engines that execute a bundle, behind the protocol of `tinyalm.engine`."""
