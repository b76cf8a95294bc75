-- finds: conversion public.to_latin was not there before
CREATE CONVERSION to_latin FOR 'UTF8' TO 'LATIN1' FROM utf8_to_iso8859_1;
