-- finds: access method pile was not there before
CREATE ACCESS METHOD pile TYPE TABLE HANDLER heap_tableam_handler;
